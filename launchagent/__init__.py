"""Installing the service with launchd."""
