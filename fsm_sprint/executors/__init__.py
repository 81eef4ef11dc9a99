"""What runs attempts. The only code that starts, signals or waits for a process."""
