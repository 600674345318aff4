"""The model families that tokred knows, one file each; host libraries are never imported here."""
