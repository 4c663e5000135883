"""What is sent to Festival, which reads Scheme: text from strangers must stay a string in it."""

import re

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")

DEFINITIONS = """
(define (glottis_reply id words)
  (format t "\\nglottis %d %s\\n" id words)
  (fflush nil))
(define (glottis_voice id name about)
  (format t "\\nglottis %d voice %s %l %l %l\\n" id name
    (cadr (assoc 'language about)) (cadr (assoc 'dialect about)) (cadr (assoc 'gender about))))
(define (glottis_voices id)
  (unwind-protect
    (begin
      (mapcar (lambda (name) (glottis_voice id name (cadr (assoc name Voice_descriptions)))) (voice.list))
      (glottis_reply id "done"))
    (glottis_reply id "failed")))
(define (glottis_load id name)
  (unwind-protect
    (begin
      (voice.select name)
      (glottis_reply id (string-append "method " (Parameter.get 'Synth_Method))))
    (glottis_reply id "failed")))
(define (glottis_speak id name stretch text)
  (unwind-protect
    (let (wave)
      (voice.select name)
      (Parameter.set 'Duration_Stretch stretch)
      (set! wave (utt.wave (utt.synth (eval (list 'Utterance 'Text text)))))
      (format t "\\nglottis %d wave %d %d\\n" id
        (cadr (assoc 'num_samples (wave.info wave))) (cadr (assoc 'sample_rate (wave.info wave))))
      (fflush nil)
      (wave.save wave "-" 'raw)
      (fflush nil))
    (glottis_reply id "failed")))
"""
"""Festival's side of the conversation.

An answer is a line "glottis ID WORDS". After "wave SAMPLES RATE" come the samples, 16 bits each in the
machine's order.
"""


def string(text: str) -> str:
    """Write a text as a string of Scheme, so that reading it gives back the text and nothing else.

    Raises:
        ValueError: the text holds control characters, with which a line could be ended.
    """
    if any(character < " " or character == "\x7f" for character in text):
        raise ValueError("control characters cannot be sent to Festival")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def call(function: str, request: int, *arguments: str | float) -> str:
    """Write a call of one of the definitions: texts become strings.

    Raises:
        ValueError: as `string` does.
    """
    if not _NAME.fullmatch(function):
        raise ValueError(f"{function!r} is no name of a function")
    written = (string(argument) if isinstance(argument, str) else f"{argument:.4f}" for argument in arguments)
    return f"({function} {request} {' '.join(written)})\n"
