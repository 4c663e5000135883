"""Language codes: BCP 47 on our side, ISO 639-1 or 639-3 on theirs."""

from glottis.plugins import primary

_ISO_639_3 = """
    afr=af amh=am ara=ar asm=as aze=az bak=ba bel=be ben=bn bod=bo bos=bs bre=br bul=bg cat=ca ces=cs cmn=zh
    cym=cy dan=da deu=de ell=el eng=en est=et eus=eu fao=fo fas=fa fin=fi fra=fr ful=ff gle=ga glg=gl guj=gu
    hat=ht hau=ha heb=he hin=hi hrv=hr hun=hu hye=hy ibo=ig ind=id isl=is ita=it jav=jv jpn=ja kan=kn kat=ka
    kaz=kk khm=km kir=ky kor=ko kur=ku lao=lo lat=la lav=lv lin=ln lit=lt ltz=lb lug=lg mal=ml mar=mr mkd=mk
    mlg=mg mlt=mt mon=mn mri=mi msa=ms mya=my nep=ne nld=nl nno=no nob=no nor=no nya=ny oci=oc ori=or ory=or
    pan=pa pol=pl por=pt pus=ps ron=ro rus=ru san=sa sin=si slk=sk slv=sl sna=sn snd=sd som=so spa=es sqi=sq
    srp=sr sun=su swa=sw swe=sv tam=ta tat=tt tel=te tgk=tg tgl=fil tha=th tuk=tk tur=tr ukr=uk urd=ur uzb=uz
    vie=vi wol=wo xho=xh yid=yi yor=yo zho=zh zsm=ms zul=zu
"""
_SHORT = dict(pair.split("=") for pair in _ISO_639_3.split())
_SAME = {"nb": "no", "nn": "no", "tl": "fil", "iw": "he", "in": "id", "ji": "yi"}
_UNKNOWN = frozenset({"", "*", "auto", "und", "mul"})


def vendor_code(tag: str) -> str | None:
    """Give the code that ElevenLabs takes for a tag (`ru-RU` gives `ru`), or None if it names no language."""
    code = primary(tag)
    return None if code in _UNKNOWN else short_code(code)


def short_code(code: str) -> str:
    """Bring any code of a language into one form, the two-letter one where there is one: `rus` gives `ru`."""
    plain = code.lower()
    return _SAME.get(plain) or _SHORT.get(plain, plain)


def tag_of(code: str, *, asked: str) -> str:
    """Turn the code of an answer into a tag: the one that was `asked` for, if it is that language."""
    if not code or short_code(code) == vendor_code(asked):
        return asked
    return short_code(primary(code))
