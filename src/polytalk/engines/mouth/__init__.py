"""Moving the mouth to speech."""
