"""The host: ministack in our process, with our services beside its own and its differences from AWS mended."""
