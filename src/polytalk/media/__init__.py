"""Sound and pictures in the forms that people and files hold: PCM, MP4, uploads, and the AI-generated marking."""
