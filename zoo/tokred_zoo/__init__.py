"""The files of tokred's trained models, and the weights of LPIPS; the code that reads them is `tokred.zoo`."""
