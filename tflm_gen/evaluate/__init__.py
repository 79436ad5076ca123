"""What a classifier of heartbeats is worth: splits, EC57 scores, intervals, and the gate."""
