"""Training recipes: data preparation, training, export and evaluation of every model in ``models/``.

Importing this package, or the modules ``labels``, ``augment``, ``metrics`` and ``runtime``, needs numpy, OpenCV and
onnxruntime only. The modules ``network``, ``train``, ``teacher`` and ``export`` need torch and ultralytics and run in the
training environment (extra ``train``); nothing else in the product imports them.
"""
