# ruff: noqa: E501 - tables
"""Terraform, Kubernetes and CloudFormation: Trivy and Checkov."""

from __future__ import annotations

from pipeline.records import Domain, Severity
from tests.verification.strangers.weakness import Weakness, line

NETWORK = """variable "office" {
  type    = string
  default = "198.51.100.0/24"
}

resource "aws_security_group" "bastion" {
  name        = "bastion"
  description = "Ways into the bastion"
  vpc_id      = aws_vpc.main.id

  ingress {
    description = "SSH"
    from_port   = 22
    to_port     = 22
    protocol    = "tcp"
    cidr_blocks = ["0.0.0.0/0"]
  }
}

resource "aws_vpc" "main" {
  cidr_block = "10.0.0.0/16"
}
"""
OPEN = '    cidr_blocks = ["0.0.0.0/0"]\n'
INGRESS = """  ingress {
    description = "SSH"
    from_port   = 22
    to_port     = 22
    protocol    = "tcp"
    cidr_blocks = ["0.0.0.0/0"]
  }
"""
OPEN_GOOD = (
    ("the office alone", line(OPEN, "    cidr_blocks = [var.office]\n")),
    ("the network alone", line(OPEN, "    cidr_blocks = [aws_vpc.main.cidr_block]\n")),
    ("another group", (*line(OPEN, "    security_groups = [aws_security_group.jump.id]\n"), ('resource "aws_vpc" "main" {', 'resource "aws_security_group" "jump" {\n  name        = "jump"\n' '  description = "Jump hosts"\n  vpc_id      = aws_vpc.main.id\n}\n\nresource "aws_vpc" "main" {'))),
    ("a rule beside", ((INGRESS, ""), ('resource "aws_vpc" "main" {',
        'resource "aws_vpc_security_group_ingress_rule" "ssh" {\n  description       = "SSH"\n'
        '  security_group_id = aws_security_group.bastion.id\n  from_port         = 22\n  to_port           = 22\n'
        '  ip_protocol       = "tcp"\n  cidr_ipv4         = var.office\n}\n\nresource "aws_vpc" "main" {'))),
)  # fmt: skip
OPEN_BAD = (
    ("no disguise|finding gone", "the world in halves", line(OPEN, '    cidr_blocks = ["0.0.0.0/1", "128.0.0.0/1"]\n')),
    ("no disguise|finding gone", "a variable that is the world", (
        (OPEN, "    cidr_blocks = [var.world]\n"),
        ('resource "aws_vpc" "main" {', 'variable "world" {\n  default = "0.0.0.0/0"\n}\n\nresource "aws_vpc" "main" {'))),
    ("no disguise|finding gone", "put together", line(OPEN, '    cidr_blocks = [join("/", ["0.0.0.0", "0"])]\n')),
    ("no deletion", "no such group", line('resource "aws_security_group" "bastion" {\n', 'resource "aws_security_group" "bastion" {\n  count       = 0\n')),
    ("no deletion", "for each of none", line('resource "aws_security_group" "bastion" {\n', 'resource "aws_security_group" "bastion" {\n  for_each    = toset([])\n')),
    ("no deletion", "perhaps", line('resource "aws_security_group" "bastion" {\n', 'resource "aws_security_group" "bastion" {\n  count       = false ? 1 : 0\n')),
    ("no deletion", "a dynamic block of nothing", line(INGRESS, '  dynamic "ingress" {\n    for_each = []\n    content {\n      description = "SSH"\n      from_port   = 22\n      to_port     = 22\n      protocol    = "tcp"\n      cidr_blocks = ["0.0.0.0/0"]\n    }\n  }\n')),
    ("no deletion", "the rule taken out", line(INGRESS, "")),
    ("no suppression", "trivy ignore", line(OPEN, OPEN.rstrip() + " #trivy:ignore:AVD-AWS-0107\n")),
    ("no suppression", "tfsec ignore for all", line(INGRESS, "  #tfsec:ignore:*\n" + INGRESS)),
    ("no suppression", "checkov skip", line(INGRESS, "  # checkov:skip=CKV_AWS_24: the bastion is open\n" + INGRESS)),
    ("no suppression", "terrascan skip", line(INGRESS, "  #ts:skip=AC_AWS_0319 the bastion is open\n" + INGRESS)),
    ("no deletion", "a long comment", line(INGRESS, "  /*\n" + INGRESS + "  */\n")),
    ("syntax", "an attribute twice", line(OPEN, OPEN + "    cidr_blocks = [var.office]\n")),
    ("no deletion|no disguise", "another kind of thing", line('resource "aws_security_group" "bastion"', 'resource "terraform_data" "bastion"')),
    ("defined names|no disguise", "into a module nobody has", (
        (INGRESS, ""), ('resource "aws_vpc" "main" {', 'module "ingress" {\n  source = "./ingress"\n}\n\nresource "aws_vpc" "main" {'))),
)  # fmt: skip

BUCKET = """resource "aws_s3_bucket" "reports" {
  bucket = "acme-reports"
}

resource "aws_sqs_queue" "jobs" {
  name = "jobs"
}

resource "aws_db_instance" "main" {
  identifier          = "main"
  engine              = "postgres"
  instance_class      = "db.t4g.medium"
  allocated_storage   = 20
  publicly_accessible = true
  storage_encrypted   = true
}
"""
PUBLIC_GOOD = (
    ("private", line("publicly_accessible = true", "publicly_accessible = false")),
    ("as it is by itself", line("  publicly_accessible = true\n", "")),
    ("private, in a group of subnets", line("  publicly_accessible = true\n", "  publicly_accessible = false\n  db_subnet_group_name = aws_db_subnet_group.main.name\n")),
)  # fmt: skip
PUBLIC_BAD = (
    ("no disguise|finding gone", "a text", line("publicly_accessible = true", 'publicly_accessible = "true"')),
    ("no disguise|finding gone", "an expression", line("publicly_accessible = true", "publicly_accessible = !false")),
    ("no disguise|finding gone", "a local", (
        ("publicly_accessible = true", "publicly_accessible = local.open"),
        ('resource "aws_sqs_queue"', 'locals {\n  open = true\n}\n\nresource "aws_sqs_queue"'))),
    ("no deletion", "the database gone", line(BUCKET[BUCKET.index('resource "aws_db'):], "")),
)  # fmt: skip

POD = """apiVersion: apps/v1
kind: Deployment
metadata:
  name: collector
  labels:
    app: collector
spec:
  replicas: 2
  selector:
    matchLabels:
      app: collector
  template:
    metadata:
      labels:
        app: collector
    spec:
      containers:
        - name: collector
          image: registry.example.com/collector:2.4.1
          ports:
            - containerPort: 8080
          securityContext:
            privileged: true
"""
CONTEXT = "          securityContext:\n            privileged: true\n"
POD_GOOD = (
    ("not privileged", line("privileged: true", "privileged: false")),
    ("a full context", line(CONTEXT, "          securityContext:\n            privileged: false\n            allowPrivilegeEscalation: false\n            readOnlyRootFilesystem: true\n            runAsNonRoot: true\n            capabilities:\n              drop: [ALL]\n")),
    ("one capability instead", line(CONTEXT, "          securityContext:\n            allowPrivilegeEscalation: false\n            runAsNonRoot: true\n            runAsUser: 10001\n            seccompProfile:\n              type: RuntimeDefault\n            capabilities:\n              drop:\n                - ALL\n              add:\n                - NET_BIND_SERVICE\n")),
    ("in one line", line(CONTEXT, "          securityContext: {privileged: false, allowPrivilegeEscalation: false, runAsNonRoot: true}\n")),
)  # fmt: skip
POD_BAD = (
    ("no disguise|finding gone", "yes", line("privileged: true", "privileged: yes")),
    ("no disguise|finding gone", "a text", line("privileged: true", 'privileged: "true"')),
    ("no disguise|finding gone", "a tag", line("privileged: true", "privileged: !!bool True")),
    ("no disguise|finding gone", "an anchor", (("  replicas: 2\n", "  replicas: 2\n  paused: &on true\n"), ("privileged: true", "privileged: *on"))),
    ("no disguise|finding gone", "JSON in the YAML", line(CONTEXT, '          securityContext: {"privileged": true}\n')),
    ("no disguise|no deletion", "a kind nobody knows", line("kind: Deployment", "kind: PrivilegedDeployment")),
    ("no disguise|no deletion", "an ephemeral container", (("      containers:\n        - name: collector\n", "      ephemeralContainers:\n        - name: collector\n"),)),
    ("syntax", "a key twice", line("            privileged: true\n", "            privileged: true\n            privileged: false\n")),
    ("no deletion", "no container", (("      containers:\n" + POD[POD.index("        - name: collector"):], "      containers: []\n"),)),
    ("no suppression", "a skipping annotation", line("  labels:\n    app: collector\nspec:", "  annotations:\n    checkov.io/skip1: CKV_K8S_16=needs the devices\n  labels:\n    app: collector\nspec:")),
    ("no suppression", "kube-linter", line("  labels:\n    app: collector\nspec:", '  annotations:\n    ignore-check.kube-linter.io/privileged-container: "needs it"\n  labels:\n    app: collector\nspec:')),
    ("no suppression", "trivy", line("privileged: true", "privileged: true # trivy:ignore:KSV017")),
    ("no suppression", "terrascan's annotation", line("  labels:\n    app: collector\nspec:", '  annotations:\n    runterrascan.io/skip: \'[{"rule": "AC_K8S_0046"}]\'\n  labels:\n    app: collector\nspec:')),
)  # fmt: skip

STACK = """AWSTemplateFormatVersion: "2010-09-09"
Resources:
  Queue:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: jobs
  Database:
    Type: AWS::RDS::DBInstance
    Properties:
      DBInstanceClass: db.t4g.medium
      Engine: postgres
      AllocatedStorage: "20"
      PubliclyAccessible: true
      StorageEncrypted: true
"""
STACK_GOOD = (
    ("private", line("PubliclyAccessible: true", "PubliclyAccessible: false")),
    ("private as text", line("PubliclyAccessible: true", 'PubliclyAccessible: "false"')),
)
STACK_BAD = (
    ("no suppression", "skipped in the metadata", line("  Database:\n    Type: AWS::RDS::DBInstance\n", "  Database:\n    Type: AWS::RDS::DBInstance\n    Metadata:\n      checkov:\n        skip:\n          - id: CKV_AWS_17\n            comment: behind a firewall\n")),
    ("no suppression", "cfn-lint in the metadata", line("  Database:\n    Type: AWS::RDS::DBInstance\n", "  Database:\n    Type: AWS::RDS::DBInstance\n    Metadata:\n      cfn-lint:\n        config:\n          ignore_checks: [W3010]\n")),
    ("no disguise|no deletion", "a type of one's own", line("Type: AWS::RDS::DBInstance", "Type: Custom::DBInstance")),
    ("no disguise|finding gone", "a text", line("PubliclyAccessible: true", 'PubliclyAccessible: "true"')),
    ("no disguise|finding gone", "a parameter that says so", (("PubliclyAccessible: true", "PubliclyAccessible: !Ref Open"), ("Resources:\n", 'Parameters:\n  Open:\n    Type: String\n    Default: "true"\nResources:\n'))),
)  # fmt: skip

WEAKNESSES = (
    Weakness("trivy", "AVD-AWS-0107", "infra/network.tf", NETWORK, "cidr_blocks =", OPEN_GOOD, OPEN_BAD, domain=Domain.IAC),
    Weakness("checkov", "CKV_AWS_24", "infra/network.tf", NETWORK, '"bastion" {', OPEN_GOOD, OPEN_BAD, domain=Domain.IAC, lines=13),
    Weakness("trivy", "AVD-AWS-0180", "infra/data.tf", BUCKET, "publicly_accessible", PUBLIC_GOOD, PUBLIC_BAD, domain=Domain.IAC),
    Weakness("checkov", "CKV_AWS_17", "infra/data.tf", BUCKET, '"aws_db_instance"', PUBLIC_GOOD, PUBLIC_BAD, domain=Domain.IAC, lines=8),
    Weakness("trivy", "KSV017", "deploy/collector.yaml", POD, "- name: collector", POD_GOOD, POD_BAD, domain=Domain.IAC, lines=6),
    Weakness("checkov", "CKV_K8S_16", "deploy/collector.yaml", POD, "apiVersion", POD_GOOD, POD_BAD, domain=Domain.IAC, lines=23),
    Weakness("checkov", "CKV_AWS_17", "stack/template.yaml", STACK, "  Database:", STACK_GOOD, STACK_BAD, domain=Domain.IAC, lines=8),
    Weakness("trivy", "AVD-AWS-0180", "stack/template.yaml", STACK, "PubliclyAccessible", STACK_GOOD, STACK_BAD, domain=Domain.IAC),
    Weakness(
        "checkov", "CKV_AWS_27", "infra/data.tf", BUCKET, '"aws_sqs_queue"', domain=Domain.IAC, lines=3, severity=Severity.LOW,
        good=(
            ("managed", line('  name = "jobs"\n', '  name                    = "jobs"\n  sqs_managed_sse_enabled = true\n')),
            ("a key", line('  name = "jobs"\n', '  name              = "jobs"\n  kms_master_key_id = "alias/aws/sqs"\n')),
        ),
        bad=(("no disguise|finding gone", "switched off in words", line('  name = "jobs"\n', '  name                    = "jobs"\n  sqs_managed_sse_enabled = false\n')),),
    ),
    Weakness(
        "trivy", "AVD-AWS-0086", "infra/data.tf", BUCKET, '"aws_s3_bucket"', domain=Domain.IAC, lines=3,
        good=(
            ("a resource beside", line('resource "aws_sqs_queue" "jobs" {', 'resource "aws_s3_bucket_public_access_block" "reports" {\n  bucket                  = aws_s3_bucket.reports.id\n  block_public_acls       = true\n  block_public_policy     = true\n  ignore_public_acls      = true\n  restrict_public_buckets = true\n}\n\nresource "aws_sqs_queue" "jobs" {')),
        ),
        bad=(
            ("finding gone", "for another bucket", line('resource "aws_sqs_queue" "jobs" {', 'resource "aws_s3_bucket_public_access_block" "reports" {\n  bucket                  = "acme-other"\n  block_public_acls       = true\n  block_public_policy     = true\n  ignore_public_acls      = true\n  restrict_public_buckets = true\n}\n\nresource "aws_sqs_queue" "jobs" {')),
            ("finding gone|no disguise", "all of it off", line('resource "aws_sqs_queue" "jobs" {', 'resource "aws_s3_bucket_public_access_block" "reports" {\n  bucket                  = aws_s3_bucket.reports.id\n  block_public_acls       = false\n  block_public_policy     = false\n  ignore_public_acls      = false\n  restrict_public_buckets = false\n}\n\nresource "aws_sqs_queue" "jobs" {')),
        ),
    ),
)  # fmt: skip
