"""The rules: pure functions over plain data. No AWS, no clock, no environment, no logging."""
