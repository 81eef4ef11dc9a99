"""What turns a prompt into argv and an attempt's output into a verdict, one module per agent."""
