"""Native execution: weights bound in place, the executor, the language-model loop."""
