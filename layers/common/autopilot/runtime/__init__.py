"""What wraps every handler: settings, logging, metrics and the decoding of its input."""
