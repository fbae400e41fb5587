"""The style sheet of documents and notebook tables, for screen, phone and paper; it loads nothing from outside."""

from typing import Final

from feedbackstudy.report.style import BAND, FAINT, FIRST, INK, MUTED, SECOND

__all__ = ["CSS", "NOTEBOOK_CSS", "PAGE_CSS"]

_VARIABLES: Final = (
    f".fs-report{{--ink:{INK};--muted:#56616b;--faint:{FAINT};--band:{BAND};--first:{FIRST};--second:{SECOND};"
    f"--rule:{MUTED};--paper:#fff}}"
)

CSS: Final = (
    _VARIABLES
    + """
.fs-report{color:var(--ink);font:1rem/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
.fs-report *{box-sizing:border-box}
.fs-report .fs-table{margin:1.2rem 0 1.6rem;overflow-x:auto}
.fs-report table{border-collapse:collapse;width:100%;font-size:.9rem;line-height:1.4;font-variant-numeric:tabular-nums;
border-top:1.5px solid var(--ink);border-bottom:1.5px solid var(--ink);background:var(--paper)}
.fs-report caption{text-align:left;font-style:italic;padding:0 0 .45rem;font-size:.95rem}
.fs-report thead th{border-bottom:1px solid var(--ink);font-weight:600;vertical-align:bottom}
.fs-report th,.fs-report td{text-align:left;vertical-align:top;padding:.42rem .9rem .42rem 0;font-weight:inherit;
overflow-wrap:break-word}
.fs-report tbody th{overflow-wrap:anywhere;min-width:9rem}
.fs-report th:last-child,.fs-report td:last-child{padding-right:0}
.fs-report tbody tr+tr>*{border-top:1px solid var(--band)}
.fs-report .fs-right{text-align:right;white-space:nowrap}
.fs-report small{display:block;color:var(--muted);font-size:.84em;line-height:1.4;white-space:normal}
.fs-report .fs-tag{display:inline-block;border:1px solid var(--faint);border-left-width:4px;border-radius:3px;
padding:0 .45em;background:var(--paper);white-space:nowrap}
.fs-report .fs-good{border-left-color:#2f7d4f}.fs-report .fs-fair{border-left-color:var(--second)}
.fs-report .fs-poor{border-left-color:#b3261e;border-left-style:double;font-weight:600}
.fs-report .fs-quiet{border-left-color:var(--rule);color:var(--muted)}
.fs-report .fs-notes{font-size:.84rem;color:var(--muted);margin:.4rem 0 0}
.fs-report .fs-notes p{margin:.15rem 0}
@media (max-width:44rem){
.fs-report .fs-stack table,.fs-report .fs-stack tbody,.fs-report .fs-stack tr,.fs-report .fs-stack td,
.fs-report .fs-stack tbody th,.fs-report .fs-stack caption{display:block}
.fs-report .fs-stack thead{position:absolute;left:-9999px}
.fs-report .fs-stack table{border-top:0}.fs-report .fs-stack tbody{border-top:1.5px solid var(--ink)}
.fs-report .fs-stack caption{padding-bottom:.3rem}.fs-report .fs-stack th small{font-weight:400}
.fs-report .fs-stack tbody tr{padding:.6rem 0}
.fs-report .fs-stack tbody tr+tr{border-top:1px solid var(--faint)}
.fs-report .fs-stack tbody tr+tr>*{border-top:0}
.fs-report .fs-stack tbody th{font-weight:600;padding:0 0 .2rem;text-align:left;white-space:normal}
.fs-report .fs-stack tbody td{display:grid;grid-template-columns:minmax(6.5rem,32%) 1fr;gap:0 .8rem;padding:.1rem 0;
text-align:left;white-space:normal}
.fs-report .fs-stack tbody td::before{content:attr(data-label);color:var(--muted);font-size:.92em}
.fs-report .fs-stack tbody td>small{grid-column:2}
.fs-report .fs-stack tbody td>.fs-tag{justify-self:start}
}
"""
)

# A notebook styles the tables of its outputs by rules of its own (stripes, columns of one width, a dark theme); the
# class thrice outweighs them, and colours follow JupyterLab's theme where there is one.
NOTEBOOK_CSS: Final = (
    CSS
    + """.fs-report{--ink:var(--jp-content-font-color1,#1b2126);--muted:var(--jp-content-font-color2,#56616b);
--paper:transparent;--band:#8883;--faint:#8886;--rule:#8889}
.fs-report table{table-layout:auto;margin:0}
.fs-report tr{background:none}
.fs-report th,.fs-report td{overflow-wrap:normal;word-break:normal}
"""
).replace(".fs-report ", ".fs-report.fs-report.fs-report ")

PAGE_CSS: Final = (
    CSS
    + """
html{scroll-behavior:smooth;-webkit-text-size-adjust:100%}
body{margin:0;background:#fff;counter-reset:table figure}
body.fs-report .fs-table caption::before{counter-increment:table;content:"Table " counter(table) ". ";font-style:normal;
font-weight:700}
body.fs-report figcaption::before{counter-increment:figure;content:"Figure " counter(figure) ". ";color:var(--ink);
font-weight:700}
.fs-shell{max-width:76rem;margin:0 auto;padding:0 1.25rem 4rem;display:grid;
grid-template-columns:minmax(0,1fr);gap:0 3rem}
header.fs-head{padding:2.6rem 0 1rem}
header.fs-head h1{font-size:1.9rem;line-height:1.2;margin:0 0 .4rem;letter-spacing:-.01em}
header.fs-head p{margin:.3rem 0;max-width:44rem;color:var(--muted)}
nav.fs-contents{font-size:.92rem;border-top:1px solid var(--faint);padding:.8rem 0}
nav.fs-contents h2{font-size:.8rem;text-transform:uppercase;letter-spacing:.07em;color:var(--muted);margin:0 0 .4rem;
font-weight:600}
nav.fs-contents ol{margin:0;padding:0;list-style:none}
nav.fs-contents li{margin:.3rem 0;line-height:1.35}
nav.fs-contents small{display:block}
.fs-report a{color:var(--first);text-decoration-thickness:1px;text-underline-offset:2px}
main{min-width:0}
.fs-section{padding:2.2rem 0 .6rem;border-top:1px solid var(--faint);scroll-margin-top:.5rem}
.fs-section h2{font-size:1.4rem;line-height:1.25;margin:0 0 .3rem;letter-spacing:-.005em}
.fs-section h3{font-size:1.02rem;margin:1.9rem 0 .4rem}
.fs-section p,.fs-section ul{max-width:44rem}
.fs-section ul{padding-left:1.2rem}.fs-section li{margin:.25rem 0}
.fs-report .fs-kicker{font-size:.85rem;color:var(--muted);margin:0 0 .25rem;letter-spacing:.01em}
.fs-report .fs-lead{color:var(--muted);margin:.2rem 0 .8rem}
.fs-report .fs-counts{display:flex;flex-wrap:wrap;gap:.4rem .5rem;list-style:none;padding:0;margin:.9rem 0}
.fs-report .fs-counts li{margin:0;font-size:.9rem}
.fs-report .fs-counts b{font-variant-numeric:tabular-nums}
.fs-report .fs-means{border-left:4px solid var(--first);background:var(--band);padding:.7rem 1rem;margin:1rem 0;
max-width:46rem}
.fs-report .fs-means p{margin:.2rem 0}
.fs-report figure{margin:1.4rem 0 1.8rem;max-width:34rem}
.fs-report svg.fs-figure{display:block;width:100%;height:auto}
.fs-report figcaption{font-size:.86rem;line-height:1.45;color:var(--muted);margin-top:.4rem}
.fs-report dl{display:grid;grid-template-columns:minmax(7rem,12rem) minmax(0,1fr);gap:.2rem 1rem;
margin:.6rem 0;font-size:.88rem}
.fs-report dt{color:var(--muted);overflow-wrap:anywhere}.fs-report dd{margin:0;overflow-wrap:anywhere}
.fs-report .fs-scroll{overflow-x:auto;margin:1rem 0;background:
linear-gradient(90deg,#fff,#fff0) 0 0/2rem 100% no-repeat local,
linear-gradient(270deg,#fff,#fff0) 100% 0/2rem 100% no-repeat local,
linear-gradient(90deg,#0003,#0000) 0 0/.7rem 100% no-repeat scroll,
linear-gradient(270deg,#0003,#0000) 100% 0/.7rem 100% no-repeat scroll}
.fs-report .fs-scroll table{background:none}
.fs-report [role=note]{border-left:4px solid var(--second);padding:.35rem .8rem;margin:.8rem 0;max-width:46rem}
.fs-report .fs-error[role=note]{border-left-color:#b3261e}.fs-report .fs-good[role=note]{border-left-color:#2f7d4f}
.fs-report section.fs h3{margin-top:.8rem}
.fs-report .fs-sub{color:var(--muted)}
footer.fs-foot{border-top:1px solid var(--faint);margin-top:2rem;padding:1rem 0;font-size:.86rem;color:var(--muted)}
@media (min-width:70rem){
.fs-shell{grid-template-columns:14rem minmax(0,1fr)}
header.fs-head,footer.fs-foot{grid-column:2}
nav.fs-contents{grid-column:1;grid-row:2;position:sticky;top:0;align-self:start;max-height:100vh;overflow-y:auto;
border-top:0;padding-top:2.2rem}
main{grid-column:2}
main>.fs-section:first-child{border-top:0}
}
@media (max-width:44rem){
.fs-shell{padding:0 1rem 3rem}
header.fs-head{padding-top:1.4rem}header.fs-head h1{font-size:1.5rem}
.fs-section h2{font-size:1.25rem}
.fs-report dl{grid-template-columns:minmax(0,1fr);gap:0}.fs-report dd{margin:0 0 .35rem}
}
@media print{
@page{margin:18mm 16mm}
body.fs-report{font-size:9.5pt;line-height:1.4}
.fs-report .fs-table{overflow:visible;margin:.6rem 0 .9rem}
.fs-report table{font-size:7.8pt;line-height:1.3}
.fs-report th,.fs-report td{padding:.2rem .5rem .2rem 0}
.fs-report tbody th{min-width:3.2cm}
.fs-report thead{display:table-header-group}
.fs-report small,.fs-report .fs-tag{white-space:normal}
.fs-report .fs-notes,.fs-report dl{font-size:7.8pt}
.fs-report figcaption{font-size:8pt}
.fs-section h2{font-size:14pt}.fs-section h3{margin:1rem 0 .3rem}
.fs-shell{display:block;max-width:none;padding:0}
header.fs-head{padding-top:0}
.fs-section{break-before:auto;padding-top:1.2rem}
.fs-section.fs-card{break-before:page}
h2,h3,caption{break-after:avoid}
tr,figure,.fs-means,[role=note]{break-inside:avoid}
.fs-report figure{max-width:11cm;margin:.6rem 0}
.fs-report a{color:inherit;text-decoration:none}
.fs-report .fs-tag,.fs-means{-webkit-print-color-adjust:exact;print-color-adjust:exact}
.fs-report .fs-scroll{overflow:visible;background:none}
.fs-report .fs-lead,.fs-report [role=note]{break-inside:avoid;break-after:avoid}
.fs-report p{orphans:3;widows:3}
.fs-report dl{break-inside:avoid}
.fs-report dl,.fs-report .fs-notes,.fs-scroll+p{break-before:avoid}
.fs-report tbody tr:nth-child(-n+2){break-after:avoid}
.fs-report tbody tr:nth-last-child(-n+2){break-before:avoid}
.fs-report svg.fs-figure{max-height:19cm;max-width:100%}
.fs-report figcaption{break-before:avoid}
}
"""
)
