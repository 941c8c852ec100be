"""Programs that run a player each; they take a torrent file's path by stdin and tell by stdout where they serve it."""
