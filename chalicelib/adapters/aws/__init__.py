"""SNS, SQS and SSM."""
