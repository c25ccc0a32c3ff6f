locals {
  package_template = file("${var.package}/template.yaml")

  # The template names one zip, for the architecture that was built.
  zip_name = one(distinct(flatten(regexall("CodeUri: (personalize-monitor-[a-z0-9]+\\.zip)\n", local.package_template))))
  zip      = "${var.package}/${local.zip_name}"

  # A new program has a new key, so that the stack is updated.
  key = "${var.stack_name}/${filesha256(local.zip)}.zip"

  template = replace(local.package_template, "CodeUri: ${local.zip_name}\n", "CodeUri: s3://${var.bucket}/${local.key}\n")
}
