# What make install puts into /etc and for systemd; nothing of it is active before nsswitch.conf and PAM name muster.
EXTRA_DIST += conf/sudoers conf/muster.conf conf/sysusers.conf conf/tmpfiles.conf conf/sshd.conf.in \
	conf/musterd.service.in conf/muster-fetch.socket.in conf/muster-fetch@.service.in \
	conf/muster-setup-rollback.service.in conf/polkit-agent-helper.conf
prefixlib = $(DESTDIR)$(prefix)/lib
# As of this version, beside what is in /etc.
samples = $(DESTDIR)$(datadir)/musterd
units = musterd.service muster-fetch.socket muster-fetch@.service muster-setup-rollback.service
# Asked at every boot, whoever enables what: it does nothing unless a setup is on trial.
wants = multi-user.target.wants/muster-setup-rollback.service
# Of no use, and no harm, where there is no such unit.
dropin = polkit-agent-helper@.service.d/muster.conf

install-data-local:
	$(MKDIR_P) $(DESTDIR)$(sysconfdir)/muster $(DESTDIR)$(sysconfdir)/sudoers.d \
		$(DESTDIR)$(sysconfdir)/ssh/sshd_config.d $(prefixlib)/sysusers.d $(prefixlib)/tmpfiles.d $(samples)
	$(INSTALL_DATA) $(srcdir)/conf/muster.conf $(samples)/muster.conf
	test -e $(DESTDIR)$(sysconfdir)/muster/muster.conf || \
		$(INSTALL_DATA) $(srcdir)/conf/muster.conf $(DESTDIR)$(sysconfdir)/muster/muster.conf
	$(INSTALL) -m 0440 $(srcdir)/conf/sudoers $(DESTDIR)$(sysconfdir)/sudoers.d/muster
	$(INSTALL_DATA) $(srcdir)/conf/sysusers.conf $(prefixlib)/sysusers.d/muster.conf
	$(INSTALL_DATA) $(srcdir)/conf/tmpfiles.conf $(prefixlib)/tmpfiles.d/muster.conf
	sed 's,[@]bindir@,$(bindir),' $(srcdir)/conf/sshd.conf.in >$(samples)/sshd.conf
	$(INSTALL_DATA) $(samples)/sshd.conf $(DESTDIR)$(sysconfdir)/ssh/sshd_config.d/muster.conf
	test -z '$(systemdsystemunitdir)' || { $(MKDIR_P) '$(DESTDIR)$(systemdsystemunitdir)' && \
		for unit in $(units); do \
			sed 's,[@]sbindir@,$(sbindir),; s,[@]bindir@,$(bindir),; s,[@]pkglibexecdir@,$(pkglibexecdir),' $(srcdir)/conf/$$unit.in \
				>"$(DESTDIR)$(systemdsystemunitdir)/$$unit" || exit 1; \
		done; \
		$(MKDIR_P) "$(DESTDIR)$(systemdsystemunitdir)/$$(dirname $(wants))" && \
			ln -sf "../$$(basename $(wants))" "$(DESTDIR)$(systemdsystemunitdir)/$(wants)" && \
		$(MKDIR_P) "$(DESTDIR)$(systemdsystemunitdir)/$$(dirname $(dropin))" && \
			$(INSTALL_DATA) $(srcdir)/conf/polkit-agent-helper.conf "$(DESTDIR)$(systemdsystemunitdir)/$(dropin)"; }

uninstall-local:
	rm -f $(DESTDIR)$(sysconfdir)/sudoers.d/muster $(DESTDIR)$(sysconfdir)/ssh/sshd_config.d/muster.conf \
		$(prefixlib)/sysusers.d/muster.conf $(prefixlib)/tmpfiles.d/muster.conf
	test -z '$(systemdsystemunitdir)' || for unit in $(units) $(wants) $(dropin); do \
		rm -f "$(DESTDIR)$(systemdsystemunitdir)/$$unit"; done
	! cmp -s $(srcdir)/conf/muster.conf $(DESTDIR)$(sysconfdir)/muster/muster.conf || \
		rm -f $(DESTDIR)$(sysconfdir)/muster/muster.conf
	rm -f $(samples)/muster.conf $(samples)/sshd.conf
	-rmdir $(samples)
