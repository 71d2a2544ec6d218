"""Questions in English: what they say of when, where and how becomes filters, shown as such."""
