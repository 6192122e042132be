"""What is known of a trained model before it is planned: statistics of inputs and sensitivities of tensors."""
