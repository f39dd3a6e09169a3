# Who may talk to what.

resource "aws_security_group" "database" {
  name        = "invoices-database"
  description = "PostgreSQL from the cluster"
  vpc_id      = var.vpc_id

  ingress {
    description = "PostgreSQL"
    from_port   = 5432
    to_port     = 5432
    protocol    = "tcp"
    cidr_blocks = ["0.0.0.0/0"]
  }
}

resource "aws_security_group" "bastion" {
  name   = "invoices-bastion"
  vpc_id = var.vpc_id

  ingress {
    description = "SSH from the office"
    from_port   = 22
    to_port     = 22
    protocol    = "tcp"
    cidr_blocks = ["0.0.0.0/0"]
  }

  egress {
    description = "Updates"
    from_port   = 443
    to_port     = 443
    protocol    = "tcp"
    cidr_blocks = [var.office_cidr]
  }
}

resource "aws_lb_listener" "portal" {
  load_balancer_arn = aws_lb.portal.arn
  port              = 443
  protocol          = "HTTPS"
  ssl_policy        = "ELBSecurityPolicy-2016-08"
  certificate_arn   = aws_acm_certificate.portal.arn

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.portal.arn
  }
}

resource "aws_lb" "portal" {
  name                       = "invoices-portal"
  internal                   = true
  load_balancer_type         = "application"
  subnets                    = var.subnet_ids
  drop_invalid_header_fields = false
  enable_deletion_protection = true

  access_logs {
    bucket  = "ledgerline-access-logs"
    enabled = true
  }
}

resource "aws_lb_target_group" "portal" {
  name     = "invoices-portal"
  port     = 443
  protocol = "HTTPS"
  vpc_id   = var.vpc_id

  health_check {
    path = "/health"
  }
}

resource "aws_acm_certificate" "portal" {
  domain_name       = "invoices.ledgerline.example"
  validation_method = "DNS"

  lifecycle {
    create_before_destroy = true
  }
}
