"""What a face is worth, measured on the pictures it gives: lips and sound, seals, seams, likeness, life, and cost."""
