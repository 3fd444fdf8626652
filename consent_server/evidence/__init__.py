"""The evidence desk: find receipts among millions, see what was shown, trace who approved it, and hand it all over."""
