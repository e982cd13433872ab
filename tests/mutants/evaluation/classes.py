"""Wrong answers to exercise 9.5: accuracy and diversity of the classes."""

from __future__ import annotations

import torch
from answers import mutant

ACCURACY, DIVERSITY, FEW, PRECISION = "accuracy", "diversity", "classes with few samples", "precision"


def shares(probabilities, labels):
    right = (probabilities.argmax(1) == labels).double()
    return right, torch.stack([right[labels == k].mean() for k in range(probabilities.shape[1])])


@mutant("9.5", "mean of the classes", says="This is the mean of the classes' shares", keeps=(DIVERSITY, PRECISION))
def class_accuracy(probabilities, labels):
    right, table = shares(probabilities, labels)
    return table.nanmean().item(), table


@mutant("9.5", "mean probability", says="This is the mean probability of the wanted class", keeps=(DIVERSITY, PRECISION))
def class_accuracy(probabilities, labels):  # noqa: F811
    told = probabilities[torch.arange(len(labels)), labels].double()
    return told.mean().item(), torch.stack([told[labels == k].mean() for k in range(probabilities.shape[1])])


@mutant("9.5", "count", says="This is a count", keeps=(DIVERSITY, PRECISION))
def class_accuracy(probabilities, labels):  # noqa: F811
    right, table = shares(probabilities, labels)
    return right.sum().item(), table


@mutant("9.5", "precision of the classes", says="The divisor is how often the classifier sees the class", keeps=(DIVERSITY, PRECISION))
def class_accuracy(probabilities, labels):  # noqa: F811
    seen = probabilities.argmax(1)
    right = (seen == labels).double()
    return right.mean().item(), torch.stack([right[seen == k].mean() for k in range(probabilities.shape[1])])


@mutant("9.5", "share of all", says="The divisor is the number of all samples", keeps=(DIVERSITY, PRECISION))
def class_accuracy(probabilities, labels):  # noqa: F811
    right, _ = shares(probabilities, labels)
    counts = torch.zeros(probabilities.shape[1], dtype=torch.float64).index_add(0, labels, right)
    return right.mean().item(), counts / len(labels)


@mutant("9.5", "0 for an empty class", says="should be NaN", keeps=(ACCURACY, DIVERSITY, PRECISION))
def class_accuracy(probabilities, labels):  # noqa: F811
    right, table = shares(probabilities, labels)
    return right.mean().item(), torch.nan_to_num(table)


@mutant("9.5", "pairs with itself", says="The pairs of a sample with itself count here", keeps=(ACCURACY,))
def class_diversity(features, labels, classes):
    found = []
    for k in range(classes):
        own = features[labels == k].double()
        pairs = (own[:, None] - own[None]).square().sum(-1)
        found.append(pairs.mean() if len(own) > 1 else torch.tensor(torch.nan, dtype=torch.float64))
    return torch.stack(found)


@mutant("9.5", "variance", says="the variance about the mean, not the squared distance", keeps=(ACCURACY,))
def class_diversity(features, labels, classes):  # noqa: F811
    own = [features[labels == k].double() for k in range(classes)]
    return torch.stack([rows.var(0).sum() if len(rows) > 1 else torch.tensor(torch.nan, dtype=torch.float64) for rows in own])


@mutant("9.5", "distance without square", says="the squared distance is asked for", keeps=(ACCURACY,))
def class_diversity(features, labels, classes):  # noqa: F811
    found = []
    for k in range(classes):
        own = features[labels == k].double()
        found.append(torch.pdist(own).mean() if len(own) > 1 else torch.tensor(torch.nan, dtype=torch.float64))
    return torch.stack(found)


@mutant("9.5", "mean over the features", says="A mean over the features is taken", keeps=(ACCURACY,))
def class_diversity(features, labels, classes):  # noqa: F811
    own = [features[labels == k].double() for k in range(classes)]
    return torch.stack([2 * rows.var(0).mean() if len(rows) > 1 else torch.tensor(torch.nan, dtype=torch.float64) for rows in own])


@mutant("9.5", "all samples", says="All samples are compared here", keeps=(ACCURACY,))
def class_diversity(features, labels, classes):  # noqa: F811
    value = 2 * features.double().var(0).sum()
    return torch.stack([value if (labels == k).sum() > 1 else value * torch.nan for k in range(classes)])


@mutant("9.5", "squares first, in float32", says="subtract before you square", keeps=(ACCURACY, DIVERSITY, FEW))
def class_diversity(features, labels, classes):  # noqa: F811
    found = []
    for k in range(classes):
        own = features[labels == k]
        n = len(own)
        value = 2 * n / (n - 1) * (own - own.mean(0)).square().sum(1).mean() if n > 1 else torch.tensor(torch.nan)
        found.append(value.double())
    return torch.stack(found)
