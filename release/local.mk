# make release: tarball, Debian packages, bill of materials, checksums, into the folder release-VERSION. On Debian, with the packages
# of debian/control. The same sources, time and machine give the same bytes.
EXTRA_DIST += release/build release/spdx.py
# Of debian/ what dpkg-buildpackage makes is not part of the tarball.
# ./check is no file of EXTRA_DIST: make would take it for the target, and run all tests for each tarball.
dist-hook:
	cp -p $(srcdir)/check $(distdir)
	cd $(distdir)/debian && rm -rf $$(sed 's,^/,,; s,/$$,,' .gitignore)

.PHONY: release
release:
	SOURCE_DATE_EPOCH=$${SOURCE_DATE_EPOCH:-$$(dpkg-parsechangelog -l $(srcdir)/debian/changelog -S Timestamp)} && \
	export SOURCE_DATE_EPOCH && \
	TAR_OPTIONS="--sort=name --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX --mtime=@$$SOURCE_DATE_EPOCH" \
		$(MAKE) $(AM_MAKEFLAGS) dist GZIP_ENV=-9n && \
	$(srcdir)/release/build $(distdir).tar.gz release-$(PACKAGE_VERSION)
