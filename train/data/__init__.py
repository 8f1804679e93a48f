"""Pictures with what is to be learned from them: data sets, augmentation, batches."""
