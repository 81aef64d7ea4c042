"""What a study is made of: typed models of ``params.yaml``, sweeps, and the names that settings use."""
