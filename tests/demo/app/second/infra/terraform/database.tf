# The invoice database.

resource "aws_db_instance" "invoices" {
  identifier        = "invoices"
  engine            = "postgres"
  engine_version    = "15.8"
  instance_class    = "db.t4g.medium"
  allocated_storage = 50

  db_name  = "invoices"
  username = "invoices"
  password = var.database_password

  storage_encrypted                   = true
  publicly_accessible                 = false
  multi_az                            = true
  deletion_protection                 = true
  backup_retention_period             = 0
  auto_minor_version_upgrade          = true
  copy_tags_to_snapshot               = true
  iam_database_authentication_enabled = false
  skip_final_snapshot                 = false
  final_snapshot_identifier           = "invoices-final"

  vpc_security_group_ids = [aws_security_group.database.id]
}

resource "aws_elasticache_replication_group" "sessions" {
  replication_group_id       = "invoices-sessions"
  description                = "Portal sessions"
  node_type                  = "cache.t4g.small"
  num_cache_clusters         = 2
  automatic_failover_enabled = true
  multi_az_enabled           = true
  at_rest_encryption_enabled = true
  transit_encryption_enabled = false
  kms_key_id                 = aws_kms_key.invoices.arn
}
