output "stack_id" {
  description = "ARN of the stack."
  value       = aws_cloudformation_stack.monitor.id
}

output "outputs" {
  description = "Outputs of the stack, for example DeadLetterQueue."
  value       = aws_cloudformation_stack.monitor.outputs
}
