from __future__ import annotations

import numpy as np
import pytest

from tflm_gen.evaluate import ec57

#            called N   S   V  F  Q
RECORD_1 = [
    [90, 4, 6, 0, 0],  # N
    [3, 5, 2, 0, 0],  # S
    [1, 1, 16, 2, 0],  # V
    [2, 1, 7, 0, 0],  # F
    [0, 3, 4, 0, 0],  # Q
]
RECORD_2 = [[50, 0, 2, 0, 0], [0] * 5, [8, 0, 2, 0, 0], [0] * 5, [0] * 5]


def matrix(rows):
    return np.array(rows, dtype=np.int64)


def test_veb_by_hand():
    score = ec57.beat_score(matrix(RECORD_1), "VEB")
    assert (score.tp, score.fn) == (16, 4)  # V called F is a miss
    assert (score.fp, score.forgiven) == (8, 11)  # N and S called V; 7 F and 4 Q are forgiven
    assert score.tn == (100 - 6) + (10 - 2) + (10 - 7) + (7 - 4)
    assert (score.se, score.ppv) == (16 / 20, 16 / 24)
    assert score.fpr == 8 / (8 + score.tn)


def test_sveb_by_hand():
    score = ec57.beat_score(matrix(RECORD_1), "SVEB")
    assert (score.tp, score.fn, score.fp, score.forgiven) == (5, 5, 4 + 1 + 1, 3)  # F counts here
    assert (score.se, score.ppv) == (0.5, 5 / 11)


def test_fusion_called_ventricular_is_no_false_veb():
    counts = np.zeros((5, 5), dtype=np.int64)
    counts[3, 2] = 100
    counts[2, 2] = 1
    assert ec57.beat_score(counts, "VEB").ppv == 1.0
    counts[0, 2] = 1
    assert ec57.beat_score(counts, "VEB").ppv == 0.5


def test_gross_pools_beats_and_average_weighs_records_equally():
    by_record = {"1": matrix(RECORD_1), "2": matrix(RECORD_2)}
    veb = ec57.kind_score(by_record, {"1": "p", "2": "q"}, "VEB")
    assert veb.gross.se == 18 / 30
    assert veb.average_se == ec57.Average(value=pytest.approx((16 / 20 + 2 / 10) / 2), n_records=2)
    assert veb.average_ppv.value == pytest.approx((16 / 24 + 2 / 4) / 2)
    assert (veb.n_patients, veb.largest_patient_share) == (2, 20 / 30)


def test_records_without_the_beat_are_left_out_of_the_average_and_counted():
    by_record = {"1": matrix(RECORD_1), "2": matrix(RECORD_2)}
    sveb = ec57.kind_score(by_record, {"1": "p", "2": "q"}, "SVEB")
    assert sveb.average_se == ec57.Average(value=0.5, n_records=1)
    assert (sveb.n_patients, sveb.largest_patient_share) == (1, 1.0)


def test_two_records_of_one_person_are_one_patient():
    by_record = {"1": matrix(RECORD_1), "2": matrix(RECORD_2)}
    veb = ec57.kind_score(by_record, {"1": "p", "2": "p"}, "VEB")
    assert (veb.n_patients, veb.largest_patient_share) == (1, 1.0)


def test_nothing_is_defined_on_an_empty_test():
    veb = ec57.kind_score({}, {}, "VEB")
    assert (veb.gross.se, veb.gross.ppv, veb.average_se.value) == (None, None, None)


def test_the_reference_confusion_gives_the_reference_figures():
    """A published-split confusion (DS2, N S V F) and the EC57 figures worked out from it."""
    counts = np.zeros((5, 5), dtype=np.int64)
    counts[:4, :4] = [
        [42965, 1011, 283, 0],
        [774, 698, 365, 0],
        [102, 115, 3004, 0],
        [369, 1, 18, 0],
    ]
    veb, sveb = ec57.beat_score(counts, "VEB"), ec57.beat_score(counts, "SVEB")
    assert [round(100 * x, 2) for x in (veb.se, veb.ppv)] == [93.26, 82.26]
    assert [round(100 * x, 2) for x in (sveb.se, sveb.ppv)] == [38.00, 38.25]
