"""Text in and out of a language model: tokenizers, chat templates, sampling. Nothing here reads model files."""
