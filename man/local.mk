# Files of this part.
dist_man_MANS += man/libnss_muster.8 man/musterd.8 man/pam_muster.8 man/musterctl.1 man/muster.conf.5 man/muster-directory.5
