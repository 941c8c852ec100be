"""The config flow, reconfiguration and the options."""
