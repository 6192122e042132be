"""Native execution: weights bound in place, engine, sequences, the language-model loop."""
