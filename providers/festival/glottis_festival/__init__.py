"""Festival for Glottis: Russian and English voices from Debian's packages."""
