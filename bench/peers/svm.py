"""One training of scikit-learn's LinearSVC on rows of a .npy file: prints its seconds, what it minimised (the sum over the classes) and its
accuracy on the rows behind. usage: svm.py X.npy LABELS.npy N TEST C LOSS TOLERANCE"""
import sys
import time
import warnings

import numpy as np
from sklearn.svm import LinearSVC

path, labels, n, test, c, loss, tolerance = sys.argv[1:]
n, test, c = int(n), int(test), float(c)
rows, classes = np.load(path, mmap_mode="r"), np.load(labels)
order = np.arange(n + test) * len(rows) // (n + test)  # evenly from all, as bench/svm.lua
x, y = np.ascontiguousarray(rows[order]), classes[order]
picked = np.arange(n + test) % ((n + test) // test) != 0
warnings.simplefilter("error")
model = LinearSVC(C=c, loss=loss, tol=float(tolerance), max_iter=100000, random_state=0)
start = time.perf_counter()
model.fit(x[picked], y[picked])
seconds = time.perf_counter() - start
scores = model.decision_function(x[picked].astype(np.float64))
signs = np.where(y[picked][:, None] == model.classes_[None], 1.0, -1.0)
power = 2 if loss == "squared_hinge" else 1
objective = (model.coef_ ** 2).sum() / 2 + (model.intercept_ ** 2).sum() / 2 + c * (np.maximum(0, 1 - signs * scores) ** power).sum()
print(seconds, objective, model.score(x[~picked], y[~picked]))
