"""Fetching against a loopback server that serves files of the authors' layout with invented rows."""

import hashlib
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

import pytest

import feedbackstudy
from feedbackstudy import datasets
from feedbackstudy.datasets.convert import convert
from feedbackstudy.datasets.external import content_sha256, externals
from feedbackstudy.datasets.fetch import MAX_BYTES, obtain
from feedbackstudy.errors import FileFormatError, NotFoundError, UnsafePathError

CLASSES = """manyclasses_course_id,manyclasses_institution_id,Class_Discipline,Class_Format,Class_Size,\
Class_ConsentRate,Class_Level,Class_NumberOfTreatmentQuizzes,Quiz_CumulativeNumberofQuizQuestions,Quiz_Difficulty_AveragePercentCorrect,\
Quiz_NumberOfDayDelay_BetweenDueDateandDelayedFeedback,Quiz_TypeOfFeedbackContent,IncentiveCondition,\
Exam_Difficulty_AveragePercentCorrect
2,7,STEM,online,30,0.5,Advanced,4,40,0.7000,2,Explanation,No,0.8
1,9,Non-STEM,in-class,20,0.6,Introductory,2,10,0.9100,3,Verification,Yes,0.75
"""
OUTCOMES = """"manyclasses_institution_id","manyclasses_course_id","manyclasses_student_id","z_diff"
7,2,"bb",0.5
9,1,"aa",-0.25
9,1,"bb",1.125
"""
TIMING = """institution_id,course_id,student,delta_z,incentivised
9,1,1,1.125,1
9,1,2,-0.25,1
7,2,1,0.5,0
"""


class Server:
    """Serves paths from a dictionary; `cut` promises more bytes than it sends."""

    def __init__(self):
        self.files: dict[str, bytes] = {}
        self.cut = False
        self.redirect = ""

    @contextmanager
    def running(self):
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                content = outer.files.get(unquote(self.path))
                if outer.redirect:
                    self.send_response(302)
                    self.send_header("Location", outer.redirect)
                    self.end_headers()
                    return
                if content is None:
                    self.send_error(404)
                    return
                self.send_response(200)
                self.send_header("Content-Length", str(len(content) + 100 * outer.cut))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *args):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


@pytest.fixture
def served():
    server = Server()
    with server.running() as address:
        server.address = address
        yield server


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("FEEDBACKSTUDY_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def timing(served):
    """The registry's entry for the timing rows, pointed at the loopback server and at invented content."""
    real = externals()["manyclasses1_timing"]
    for original, text in zip(real.originals, (OUTCOMES, CLASSES), strict=True):
        served.files[f"/{real.repository}/{real.commit}/{original.path}"] = text.encode()
    return real.model_copy(
        update={"host": served.address, "rows": 3, "content_sha256": content_sha256(TIMING.encode(), ("student",))}
    )


def left_behind(folder):
    return sorted(p.name for p in folder.rglob("*")) if folder.exists() else []


def test_a_table_is_downloaded_converted_verified_and_kept(timing, folder):
    seen = []
    path = obtain(timing, progress=lambda name, done, total: seen.append((name, done, total)))
    assert path == folder / "manyclasses1_timing.csv"
    assert sorted(path.read_text().splitlines()[1:]) == sorted(["9,1,2,-0.25,1", "9,1,1,1.125,1", "7,2,1,0.5,0"])
    assert seen[-1] == ("data/many_classes_classes.csv", len(CLASSES), len(CLASSES))
    assert left_behind(folder) == ["manyclasses1_timing.csv"]


def test_an_original_with_a_recorded_hash_is_verified_before_it_is_read(timing, folder):
    right, wrong = hashlib.sha256(OUTCOMES.encode()).hexdigest(), "0" * 64
    first, second = timing.originals
    obtain(timing.model_copy(update={"originals": (first.model_copy(update={"sha256": right}), second)}))
    (folder / "manyclasses1_timing.csv").unlink()
    with pytest.raises(FileFormatError, match="recorded is 0000"):
        obtain(timing.model_copy(update={"originals": (first.model_copy(update={"sha256": wrong}), second)}))
    assert left_behind(folder) == []


def test_other_content_is_refused_and_what_was_there_stays(timing, folder):
    folder.mkdir()
    (folder / "manyclasses1_timing.csv").write_text("kept")
    with pytest.raises(FileFormatError, match="content hash"):
        obtain(timing.model_copy(update={"content_sha256": "f" * 64}))
    assert (folder / "manyclasses1_timing.csv").read_text() == "kept"
    assert left_behind(folder) == ["manyclasses1_timing.csv"]


def test_a_cut_connection_leaves_nothing_behind(timing, folder, served):
    served.cut = True
    with pytest.raises(FileFormatError, match=r"cut after|could not be fetched"):
        obtain(timing)
    assert left_behind(folder) == []


def test_a_file_that_is_gone_says_so(timing, folder, served):
    served.files.clear()
    with pytest.raises(FileFormatError, match="HTTP 404"):
        obtain(timing)
    assert left_behind(folder) == []


def test_no_network_says_what_to_do(timing, folder):
    unused = timing.model_copy(update={"host": "http://127.0.0.1:9"})
    with pytest.raises(FileFormatError, match=r"could not be fetched.*Check the connection"):
        obtain(unused, timeout=2)
    assert left_behind(folder) == []


def test_a_file_over_the_size_cap_is_refused(timing, folder, served):
    path = next(iter(served.files))
    served.files[path] = b"x" * (MAX_BYTES + 1)
    with pytest.raises(FileFormatError, match="larger than"):
        obtain(timing)
    assert left_behind(folder) == []


@pytest.mark.parametrize("host", ["http://example.org", "ftp://example.org", "file:///etc"])
def test_only_https_is_used_outside_loopback(timing, host):
    with pytest.raises(FileFormatError, match="not an https address"):
        obtain(timing.model_copy(update={"host": host}))


def test_a_redirection_away_from_https_is_refused(timing, served, folder):
    served.redirect = "http://example.org/outcomes.csv"
    with pytest.raises(FileFormatError, match="not https"):
        obtain(timing)
    assert left_behind(folder) == []


def test_rows_never_go_into_a_checkout(timing, monkeypatch):
    root = feedbackstudy.__file__.rsplit("/", 2)[0]
    monkeypatch.setenv("FEEDBACKSTUDY_DATA", f"{root}/datasets")
    with pytest.raises(UnsafePathError, match="inside the checkout"):
        obtain(timing)


def test_another_layout_is_refused(timing, served, folder):
    path = next(iter(served.files))
    served.files[path] = b"student,z\n1,2\n"
    with pytest.raises(FileFormatError, match="another layout"):
        obtain(timing)
    assert left_behind(folder) == []


def test_get_knows_only_tables_to_be_fetched():
    with pytest.raises(NotFoundError, match="Did you mean 'manyclasses1_timing'"):
        datasets.get("manyclasses_timing")
    with pytest.raises(NotFoundError, match="Shipped tables need no fetching"):
        datasets.get("manylabs1_gain_loss")


def test_the_framing_table_is_read_from_the_installed_package(folder):
    dataset = datasets.get("brader2008_framing")
    assert len(dataset.frame) == 265
    assert dataset.path == folder / "brader2008_framing.csv"
    assert datasets.is_present("brader2008_framing")


JUIJN_HEAD = (
    "StartDate\tEndDate\tDuration (in seconds)\tFinished\tRecordedDate\tDistributionChannel\tUserLanguage\t"
    "Informed Consent \tORIG A DIST_1\tDP-M A DIST_1\tDP-P A DIST_1\tEQO-M A DIST_1\tEQO-P A DIST_1\t"
    "ORIG B DIST_1\tDP-M B DIST_1\tDP-P B DIST_1\tEQO-M B DIST_1\tEQO-P B DIST_1\tORIG A PROC SENS_1\t"
    "DP-M A PROC SENS_1\tDP-P A PROC SENS_1\tEQO-M A PROC SENS_1\tEQO-P A PROC SENS_1\tORIG B PROC SENS_1\t"
    "DP-M B PROC SENS_1\tDP-P B PROC SENS_1\tEQO-M B PROC SENS_1\tEQO-P B PROC SENS_1\tORIG A PROC NOSENS_1\t"
    "DP-M A PROC NO SENS_1\tDP-P A PROC NOSENS_1\tEQO-M A PROC NO SENS_1\tEQO-P PROC NOSENS_1\t"
    "ORIG B PROC NO SENS_1\tDP-M B PROC NOSENS_1\tDP-P B PROC NO SENS_1\tEQO-M B PROC NOSENS_1\t"
    "EQO-P B PROC NOSENS_1\twhy fair/unfair \tAI/CS \tgender \teducation"
)


def juijn_person(block, ratings, gender):
    cells = [""] * 42
    cells[8 + 5 * block : 13 + 5 * block] = [str(r) for r in ratings]
    cells[38], cells[40] = '"a thought\nover two lines"', gender
    return "\t".join(cells)


def test_the_fairness_survey_is_converted_from_its_export_layout():
    people = [
        juijn_person(5, (1, 6, 6, 3, 2), "Male"),
        juijn_person(0, (2, 3, 2, 2, 1), "Female"),
        juijn_person(4, (1, 6, 6, 3, 2), "Non-binary"),
        juijn_person(3, (7, 7, 7, 7, 7), "Male"),
        juijn_person(1, (7, 7, 7, 7, ""), "Male"),
    ]
    export = "\n".join([JUIJN_HEAD, "\t".join(["words"] * 42), "\t".join(["id"] * 42), *people]) + "\n"
    columns = [variable.name for variable in externals()["juijn2023_hiring_fairness"].variables]
    lines = convert("juijn", {"all_survey_data tsv.tsv": export.encode()}, columns).decode().splitlines()
    assert lines == [
        ",".join(columns),
        "1,1,outcome_only,A,2,3,2,2,1,female,1",
        "2,2,outcome_and_process_sensitive,B,7,7,7,7,7,male,1",
        "3,3,outcome_and_process_no_sensitive,B,1,6,6,3,2,male,0",
        "4,3,outcome_and_process_no_sensitive,A,1,6,6,3,2,other,1",
    ]


def test_the_negative_feedback_rows_keep_scores_and_drop_people():
    head = (
        "response_id,extra_tasks,start_date,gender,age,mindset,intervention,what1,iq_final,iq_practice,iq_real,iq_warmup,"
        "ms_mean,se_mean,cams_mean,sc_mean,risc_mean,grit_mean,out_1,out_2,out_3"
    )
    row = (
        'R_1,4,2019/10/10,Male,23,Fixed,Mindfulness,"a, b",0.6363636363,NA,0.5,0.25,2,3,3.25,4.0833333333,3,3.375,'
        "-1.3,0.2,9"
    )
    columns = [variable.name for variable in externals()["nagy2023_negative_feedback"].variables]
    lines = convert("nagy", {"data/processed_final.csv": f"{head}\n{row}\n".encode()}, columns).decode().splitlines()
    assert lines[0] == ",".join(columns)
    assert lines[1] == "1,fixed,mindfulness,male,23,4,2,3.25,3,3.375,4.083333,3,0.25,,0.5,0.636364,-1.3,0.2"


def test_appraisal_labels_are_gathered_as_the_authors_gather_them():
    text = (
        "Study ID,Study,Year,r,z,N,v,Appraisal,Emotion,remarks,exp,included\n"
        '1,One,1987,0.44,0.4722,83,0.0125,agency-other,anger,"a, b",no,yes\n'
        "1,One,1987,0.10,0.1003,83,0.0125,ability,anger,,no,no\n"
        "2,Two,1999a,-0.2,-0.2027,40,0.027,risk,fear,,yes,yes\n"
    )
    columns = [variable.name for variable in externals()["yeo_ong2024_appraisal_emotion"].variables]
    lines = convert("yeo_ong", {"meta-analysis_data.csv": text.encode()}, columns).decode().splitlines()
    assert lines[1:] == [
        "1,One,1987,0.44,0.4722,83,0.0125,anger,accountability-other,agency-other,0",
        "2,Two,1999a,-0.2,-0.2027,40,0.027,fear,threat,risk,1",
    ]


def test_the_grouping_of_appraisals_is_that_of_the_recorded_rows(shared, monkeypatch):
    from feedbackstudy.datasets.convert import _appraisals

    monkeypatch.setenv("FEEDBACKSTUDY_DATA", str(shared / "data" / "rows"))
    rows = datasets.load("yeo_ong2024_appraisal_emotion").frame
    recorded = rows.groupby("appraisal_label_in_source")["appraisal"].first().to_dict()
    assert _appraisals() == recorded
    assert len(set(recorded.values())) == 47
