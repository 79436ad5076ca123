"""ECG recordings with beat annotations: WFDB, CSV and NumPy readers, and what can be wrong."""
