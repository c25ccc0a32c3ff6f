variable "package" {
  description = "Folder with the zip and the template, which make package writes."
  type        = string
}

variable "bucket" {
  description = "Name of an S3 bucket in the region of the stack, for the zip."
  type        = string
}

variable "stack_name" {
  description = "Name of the CloudFormation stack. An existing one has to be imported first."
  type        = string
  default     = "personalize-monitor"
}

variable "parameters" {
  description = "Parameters of the stack, by the names in docs/guide/parameters.md. The stack lowers minimums unless AutoAdjustMinTPS is No or DryRun."
  type        = map(string)
  default     = {}
}

variable "tags" {
  description = "Tags of the stack and of what it creates."
  type        = map(string)
  default     = {}
}
