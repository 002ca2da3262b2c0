"""What a session outlives: killed writers, full disks, damaged and hostile logs."""
