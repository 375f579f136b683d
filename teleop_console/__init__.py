"""The surgeon's site: input devices and the node that sends what the hands do."""
