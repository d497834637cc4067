"""What Python programs use: compile, call, inspect, prove, verify."""
