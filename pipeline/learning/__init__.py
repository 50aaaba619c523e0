"""Champions: trained, challenged, promoted and rolled back."""
