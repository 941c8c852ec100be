"""What hassfest, HACS and the Marketplace ask of a repository, as far as its files show it."""
