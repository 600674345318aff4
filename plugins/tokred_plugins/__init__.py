"""The methods that tokred brings along, one file each."""
