resource "aws_s3_object" "package" {
  bucket = var.bucket
  key    = local.key
  source = local.zip

  # An update that fails goes back to the zip before.
  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_cloudformation_stack" "monitor" {
  name          = var.stack_name
  template_body = local.template
  parameters    = var.parameters
  tags          = var.tags

  # The template creates roles, and is in the form of the Serverless Application Model.
  capabilities = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]

  depends_on = [aws_s3_object.package]
}
