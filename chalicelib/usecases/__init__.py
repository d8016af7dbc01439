"""What the product does: one file, one thing, one public function named like the file."""
