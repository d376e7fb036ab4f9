"""What becomes of old raw slices."""
