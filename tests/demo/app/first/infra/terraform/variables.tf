variable "region" {
  description = "Where everything lives"
  type        = string
  default     = "eu-central-1"
}

variable "office_cidr" {
  description = "The office network, for administration"
  type        = string
  default     = "198.51.100.0/24"
}

variable "vpc_id" {
  description = "The network the service runs in"
  type        = string
}

variable "subnet_ids" {
  description = "Private subnets, one a zone"
  type        = list(string)
}

variable "database_password" {
  description = "Set from the pipeline's secret store"
  type        = string
  sensitive   = true
}
