# Attachments and exports of the invoice service.

resource "aws_s3_bucket" "attachments" {
  bucket = "ledgerline-invoices-attachments"
}

resource "aws_s3_bucket_public_access_block" "attachments" {
  bucket                  = aws_s3_bucket.attachments.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_versioning" "attachments" {
  bucket = aws_s3_bucket.attachments.id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "attachments" {
  bucket = aws_s3_bucket.attachments.id
  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = aws_kms_key.invoices.arn
    }
  }
}

resource "aws_kms_key" "invoices" {
  description             = "Encrypts invoices at rest"
  deletion_window_in_days = 14
  enable_key_rotation     = true
}

resource "aws_sqs_queue" "exports" {
  name                      = "invoices-exports"
  message_retention_seconds = 86400
  sqs_managed_sse_enabled   = true
}

resource "aws_sns_topic" "payments" {
  name = "invoices-payments"
}

resource "aws_ecr_repository" "api" {
  name                 = "invoices-api"
  image_tag_mutability = "MUTABLE"

  image_scanning_configuration {
    scan_on_push = true
  }

  encryption_configuration {
    encryption_type = "KMS"
    kms_key         = aws_kms_key.invoices.arn
  }
}
