"""Where the user finds torrents: a watched folder, a feed, a Torznab endpoint; all of the user's own choice."""

from .adding import Adding
from .base import Item, Provider, ProviderError
from .configured import FEED, FOLDER, TORZNAB, provider_of

__all__ = ["FEED", "FOLDER", "TORZNAB", "Adding", "Item", "Provider", "ProviderError", "provider_of"]
