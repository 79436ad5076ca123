"""TFLite models as frozen records."""
